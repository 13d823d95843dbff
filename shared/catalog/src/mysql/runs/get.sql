SELECT id, request, data_set, status, requested_at, updated_at
FROM runs
WHERE id = ?
