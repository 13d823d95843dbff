INSERT INTO evaluations (name, version, data_set, at, evaluation)
VALUES (?, ?, ?, ?, ?)
