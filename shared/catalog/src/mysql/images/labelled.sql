-- Nearly all rows are wanted, and the table is in order itself.
SELECT id, label, perceptual, placement
FROM images FORCE INDEX (PRIMARY)
WHERE status = 'stored' AND label IS NOT NULL
ORDER BY id
