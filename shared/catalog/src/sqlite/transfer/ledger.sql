SELECT model || '/' || generation AS key, model, generation, action, "from", "to", actor, reason, at, before, digest
FROM ledger
WHERE (model, generation) >= (?1, CAST(?2 AS INTEGER))
ORDER BY model, generation
LIMIT ?4
