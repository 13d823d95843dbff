INSERT INTO evaluations (name, version, data_set, at, evaluation)
VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (name, version, data_set) DO NOTHING
