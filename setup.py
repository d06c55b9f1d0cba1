"""Builds the engine's C. Without a compiler the radio plays on onnxruntime and numpy."""

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "engine._step",
            ["engine/native/step.c", "engine/native/choose.c"],
            depends=["engine/native/step.h", "engine/native/kernel.h", "engine/native/products.h"],
            extra_compile_args=["-O3", "-ffp-contract=off", "-fno-math-errno", "-Wno-psabi"],
            libraries=["m"],
            optional=True,
        )
    ]
)
