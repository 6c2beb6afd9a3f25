"""What jobs and stores need of the world: steps, their drivers, and capabilities of stores."""
