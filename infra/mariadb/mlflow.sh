# shellcheck shell=bash
# MLflow's own database and account. MariaDB's image reads this, once, when it makes its tables.
docker_process_sql <<SQL
CREATE DATABASE mlflow;
CREATE USER 'mlflow'@'%' IDENTIFIED BY '$MLFLOW_DB_PASSWORD';
GRANT ALL ON mlflow.* TO 'mlflow'@'%';
SQL
