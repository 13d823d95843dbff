INSERT INTO decisions (id, model, at, decision)
VALUES (?, ?, ?, ?)
ON DUPLICATE KEY UPDATE id = VALUES(id)
