SELECT label, status, count(*) AS images
FROM images
GROUP BY label, status
