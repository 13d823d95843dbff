SELECT id, request, data_set, status, requested_at, updated_at
FROM runs
WHERE model = ?
ORDER BY requested_at DESC, id DESC
LIMIT ?
