INSERT INTO runs (id, model, request, data_set, is_over, status, requested_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON DUPLICATE KEY UPDATE id = VALUES(id)
