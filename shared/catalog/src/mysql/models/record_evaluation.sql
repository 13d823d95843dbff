INSERT INTO evaluations (name, version, data_set, at, evaluation)
VALUES (?, ?, ?, ?, ?)
ON DUPLICATE KEY UPDATE at = VALUES(at), evaluation = VALUES(evaluation)
