"""The floor of a kind of data: a plain, quick model beside the network, so that a user sees what the network adds."""
