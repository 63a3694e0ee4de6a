"""What a service needs and costs: userbase and economies share its provision, its prices and its level of service."""
