"""Why a training has learned nothing: one cause a file, judged from what was measured."""
