SELECT CONCAT(model, '/', generation) AS id, model, generation, action, `from`, `to`, actor, reason, at, `before`, digest
FROM ledger
WHERE model = ?
ORDER BY generation
