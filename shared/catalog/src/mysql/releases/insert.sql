INSERT INTO releases (model, champion, previous, generation)
VALUES (?, ?, ?, ?)
