SELECT id, status, format, width, height, perceptual, reason, label, origin, bytes, recorded_at
FROM images
WHERE status = ? AND label = ? AND id > ?
ORDER BY id
LIMIT ?
