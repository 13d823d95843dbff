INSERT INTO sources (url, status, image, reason, label)
VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (url) DO NOTHING
