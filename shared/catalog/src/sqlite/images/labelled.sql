-- The plus keeps SQLite from the index on the status: nearly all rows are wanted, and the table is in order itself.
SELECT id, label, perceptual, placement
FROM images
WHERE +status = 'stored' AND label IS NOT NULL
ORDER BY id
