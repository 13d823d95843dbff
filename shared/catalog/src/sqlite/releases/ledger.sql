SELECT model || '/' || generation, model, generation, action, "from", "to", actor, reason, at, before, digest
FROM ledger
WHERE model = ?1
ORDER BY generation
