print("polymath")
