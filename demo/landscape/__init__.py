"""Landscapes drawn by numpy: terrain, sky, weather and light as plates that ffmpeg moves past each other."""
