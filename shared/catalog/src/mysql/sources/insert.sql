INSERT INTO sources (id, head, url, label, status, image, reason)
VALUES (?, ?, ?, ?, ?, ?, ?)
