-- Each is there and locked.
INSERT INTO sources (id, head, url, label, status, image, reason)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON DUPLICATE KEY UPDATE
    label = VALUES(label), status = VALUES(status), image = VALUES(image), reason = VALUES(reason)
