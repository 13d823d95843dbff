INSERT INTO feedback (prediction, model, version, image, class, label, predicted_at, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
-- From left to right: the label is compared by the time that was there.
ON DUPLICATE KEY UPDATE label = IF(VALUES(at) >= at, VALUES(label), label), at = GREATEST(at, VALUES(at))
