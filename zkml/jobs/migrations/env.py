"""Run by Alembic: the migrations on the connection that `zkml.jobs.migrate` hands over, in its transaction."""

from alembic import context

from zkml.jobs.tables import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, transaction_per_migration=False)
context.run_migrations()
