INSERT INTO ledger (model, generation, action, `from`, `to`, actor, reason, at, `before`, digest)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
