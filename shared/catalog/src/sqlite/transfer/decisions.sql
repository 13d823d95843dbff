SELECT lower(hex(id)) AS key, decision
FROM decisions
WHERE id >= unhex(?1)
ORDER BY id
LIMIT ?4
