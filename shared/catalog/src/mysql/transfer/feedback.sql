SELECT prediction, model, version, image, class, label, predicted_at, at
FROM feedback
WHERE prediction >= ?
ORDER BY prediction
LIMIT ?
