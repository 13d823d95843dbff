-- Each is there and locked.
INSERT INTO images (id, status, format, width, height, perceptual, reason, label, origin, bytes, recorded_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON DUPLICATE KEY UPDATE
    status = VALUES(status), format = VALUES(format), width = VALUES(width), height = VALUES(height),
    perceptual = VALUES(perceptual), reason = VALUES(reason), label = VALUES(label)
