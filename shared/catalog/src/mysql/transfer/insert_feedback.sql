INSERT INTO feedback (prediction, model, version, image, class, label, predicted_at, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
