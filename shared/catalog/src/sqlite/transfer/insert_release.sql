INSERT INTO releases (model, champion, previous, generation)
VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (model) DO NOTHING
