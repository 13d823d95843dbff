UPDATE runs
SET data_set = COALESCE(?, data_set), is_over = ?, status = ?, updated_at = ?
WHERE id = ? AND NOT is_over
