-- A claim joins the dataset of the task's owner to the payload: its list of shards is not repeated in every task.
UPDATE "Task" SET payload = payload - 'dataset' WHERE kind <> 'DATASET_IMPORT';
