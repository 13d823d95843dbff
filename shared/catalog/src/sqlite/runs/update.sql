UPDATE runs
SET data_set = coalesce(?2, data_set), over = ?3, status = ?4, updated_at = ?5
WHERE id = ?1 AND NOT over
