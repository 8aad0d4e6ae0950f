"""The neural networks: BERT, its packed forward pass, classifiers, the training loop, checkpoints, devices, processes.

What a network is trained on belongs in the stage that trains it (`grover.pretraining`, `grover.finetuning`).
"""
