INSERT INTO ledger (model, generation, action, "from", "to", actor, reason, at, before, digest)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
ON CONFLICT (model, generation) DO NOTHING
