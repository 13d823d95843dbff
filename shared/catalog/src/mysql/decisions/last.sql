SELECT id, decision
FROM decisions
WHERE model = ?
ORDER BY at DESC, id DESC
LIMIT ?
