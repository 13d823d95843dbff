SELECT lower(hex(id)) AS key, id, status, format, width, height, perceptual, reason, label, origin, bytes, recorded_at,
       placement
FROM images
WHERE id >= unhex(?1)
ORDER BY id
LIMIT ?4
