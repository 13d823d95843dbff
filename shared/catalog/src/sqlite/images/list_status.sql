SELECT id, status, format, width, height, perceptual, reason, label, origin, bytes, recorded_at
FROM images
WHERE status = ?3 AND id > ?1
ORDER BY id
LIMIT ?2
