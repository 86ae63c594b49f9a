"""What is told of mail: types of events, what happened, the bodies that customers are sent."""
