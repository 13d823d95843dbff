INSERT INTO decisions (id, model, at, decision)
VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (id) DO NOTHING
