SELECT id, decision
FROM decisions
WHERE id >= ?
ORDER BY id
LIMIT ?
