SELECT id, status, format, width, height, perceptual, reason, label, origin, bytes, recorded_at,
       placement
FROM images FORCE INDEX (PRIMARY)
WHERE id IN (?)
ORDER BY id
FOR UPDATE
