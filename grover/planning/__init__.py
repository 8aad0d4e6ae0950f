"""What a run will take (work, time, disk), and defaults that suit its genome and device. Nothing heavy is imported: the driver asks."""
