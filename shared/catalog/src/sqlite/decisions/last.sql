SELECT id, decision
FROM decisions
WHERE model = ?1
ORDER BY at DESC, id DESC
LIMIT ?2
