INSERT INTO pappus_layout (only_row, layout)
VALUES (1, ?)
ON DUPLICATE KEY UPDATE layout = VALUES(layout)
