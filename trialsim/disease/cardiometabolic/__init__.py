"""What happens to hearts, kidneys and blood sugar?"""
