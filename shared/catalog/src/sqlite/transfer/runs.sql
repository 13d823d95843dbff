SELECT lower(hex(id)) AS key, id, request, data_set, status, requested_at, updated_at
FROM runs
WHERE id >= unhex(?1)
ORDER BY id
LIMIT ?4
