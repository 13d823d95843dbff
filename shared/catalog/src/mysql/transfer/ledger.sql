SELECT CONCAT(model, '/', generation) AS id, model, generation, action, `from`, `to`, actor, reason, at, `before`, digest
FROM ledger
WHERE model >= ? AND (model > ? OR generation >= ?)
ORDER BY model, generation
LIMIT ?
