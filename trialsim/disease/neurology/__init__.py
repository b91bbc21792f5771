"""What happens to people with diseases of brain, nerve and muscle?"""
