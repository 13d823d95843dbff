UPDATE sources
SET status = ?, image = ?, reason = ?
WHERE id = ?
